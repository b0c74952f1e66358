//! A call from XLA: its buffers as views, its attributes as text, its outcome.

use std::{
    ffi::{CString, c_void},
    mem::offset_of,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::null_mut,
    slice, str,
};

use super::c_api::{
    Api, Attributes, BUFFER, Buffer, CallFrame, EXECUTE, INTERNAL, INVALID_ARGUMENT, METADATA,
    MetadataExtension, NewError, Operands, STRING,
};
use crate::{
    refused::{Refused, Result},
    view::{View, row_major, size_of_element},
};

/// Answers XLA: says which version of the interface this is, or runs a call.
///
/// # Safety
///
/// The frame is XLA's, whose buffers and attributes stay where they are during the call.
pub(super) unsafe fn answer(
    frame: *mut CallFrame,
    run: impl FnOnce(&Call) -> Result<()>,
) -> *mut c_void {
    // SAFETY: every frame begins with its size.
    let size = unsafe { (*frame).size };
    if size < offset_of!(CallFrame, context) {
        // There is not even a way to say so.
        std::process::abort();
    }
    // SAFETY: as above.
    if unsafe { describe(frame) } {
        return null_mut();
    }
    if size < size_of::<CallFrame>() {
        // SAFETY: the frame has this.
        let api = unsafe { (*frame).api };
        let text = format!("call frame: found {size} bytes, wanted {}", size_of::<CallFrame>());
        return error(api, &text, INTERNAL);
    }
    // SAFETY: it is whole, and only read from here on.
    let frame = unsafe { &*frame };
    if frame.stage != EXECUTE {
        return null_mut();
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as above.
        run(&unsafe { Call::read(frame) }?)
    }));
    match outcome {
        Ok(Ok(())) => null_mut(),
        Ok(Err(refused)) => error(frame.api, &refused.to_string(), INVALID_ARGUMENT),
        Err(_) => {
            error(frame.api, "dice-loss: the engine panicked, which is a bug in it", INTERNAL)
        }
    }
}

/// Answers a question about the function, if the frame is one.
///
/// # Safety
///
/// The frame is XLA's.
unsafe fn describe(frame: *mut CallFrame) -> bool {
    // SAFETY: extensions are a list that ends in null, and the kind says what each is.
    unsafe {
        let mut extension = (*frame).extensions;
        while !extension.is_null() {
            let is_whole = (*extension).size >= size_of::<MetadataExtension>();
            if (*extension).kind == METADATA && is_whole {
                let metadata = (*extension.cast::<MetadataExtension>()).metadata;
                (*metadata).version.major = 0;
                (*metadata).version.minor = 1;
                (*metadata).traits = 0;
                return true;
            }
            extension = (*extension).next;
        }
    }
    false
}

/// An error that XLA raises as an exception.
fn error(api: *const Api, message: &str, code: i32) -> *mut c_void {
    let message = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    let mut new = NewError {
        size: size_of::<NewError>(),
        extensions: null_mut(),
        message: message.as_ptr(),
        code,
    };
    // SAFETY: XLA's table of functions has this since its first version; XLA copies the message.
    unsafe { ((*api).new_error)(&mut new) }
}

/// The operands and attributes of a call.
pub(super) struct Call {
    arguments: Vec<Tensor>,
    results: Vec<Tensor>,
    attributes: Vec<(String, String)>,
}

/// Row-major memory that XLA lends.
struct Tensor {
    address: usize,
    shape: Vec<usize>,
    dtype: &'static str,
}

impl Call {
    /// # Safety
    ///
    /// The frame is XLA's.
    unsafe fn read(frame: &CallFrame) -> Result<Self> {
        // SAFETY: so are its parts.
        unsafe {
            Ok(Self {
                arguments: tensors(&frame.arguments)?,
                results: tensors(&frame.results)?,
                attributes: texts(&frame.attributes)?,
            })
        }
    }

    /// An attribute.
    pub fn text(&self, name: &str) -> Result<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        let (_, text) = found.ok_or_else(|| Refused::new(name, "nothing", "a text"))?;
        Ok(text)
    }

    /// Calls `run` for every element of the axes that `vmap` has put before all others: `leading`
    /// of them. An operand that is the same for all elements of an axis has it with size 1.
    pub fn for_each(
        &self,
        leading: usize,
        run: impl Fn(Vec<View>, Vec<View>) -> Result<()>,
    ) -> Result<()> {
        let shape = match self.results.first() {
            Some(result) => result.leading(leading)?,
            None => return Err(Refused::new("results", 0, "1 or more")),
        };
        let count = shape.iter().product();
        for number in 0..count {
            let of = |tensors: &[Tensor]| -> Result<Vec<_>> {
                tensors.iter().map(|tensor| tensor.element(shape, number)).collect()
            };
            run(of(&self.arguments)?, of(&self.results)?)?;
        }
        Ok(())
    }

    /// The number of axes of an argument.
    pub fn rank(&self, argument: usize) -> Result<usize> {
        let found = self.arguments.get(argument).map(|tensor| tensor.shape.len());
        found.ok_or_else(|| Refused::new("arguments", self.arguments.len(), argument + 1))
    }
}

impl Tensor {
    fn leading(&self, count: usize) -> Result<&[usize]> {
        self.shape.get(..count).ok_or_else(|| {
            let wanted = format!("{count} axes or more");
            Refused::new("shape", format!("{:?}", self.shape), wanted)
        })
    }

    /// The element of this number, counted through leading axes of this shape.
    fn element(&self, shape: &[usize], mut number: usize) -> Result<View> {
        let leading = self.leading(shape.len())?;
        let strides = row_major(&self.shape);
        let mut offset = 0usize;
        for (axis, &size) in shape.iter().enumerate().rev() {
            let index = number % size;
            number /= size;
            match leading[axis] {
                1 => {}
                own if own == size => {
                    offset += index * usize::try_from(strides[axis]).unwrap_or_default();
                }
                own => return Err(Refused::new("leading axis", own, format!("1 or {size}"))),
            }
        }
        let address = self.address + offset * size_of_element(self.dtype);
        Ok(View::row_major(address, &self.shape[shape.len()..], self.dtype))
    }
}

/// Fails unless a structure of XLA's has all that is read of it: later versions only append.
fn whole<T>(what: &str, found: usize) -> Result<()> {
    match found < size_of::<T>() {
        true => Err(Refused::new(what, format!("{found} bytes"), size_of::<T>())),
        false => Ok(()),
    }
}

/// # Safety
///
/// The operands are XLA's.
unsafe fn tensors(operands: &Operands) -> Result<Vec<Tensor>> {
    whole::<Operands>("operands", operands.size)?;
    // SAFETY: there are so many of both.
    let (kinds, operands) =
        unsafe { (list(operands.kinds, operands.count), list(operands.operands, operands.count)) };
    let each = kinds.iter().zip(operands).map(|(&kind, &operand)| {
        if kind != BUFFER {
            return Err(Refused::new("operand", format!("kind {kind}"), "a buffer"));
        }
        // SAFETY: the kind says that it is one.
        unsafe { tensor(&*operand.cast::<Buffer>()) }
    });
    each.collect()
}

/// # Safety
///
/// The buffer is XLA's.
unsafe fn tensor(buffer: &Buffer) -> Result<Tensor> {
    whole::<Buffer>("buffer", buffer.size)?;
    // SAFETY: it has so many dimensions.
    let dims = unsafe { list(buffer.dims, buffer.rank) };
    let shape: std::result::Result<Vec<_>, _> =
        dims.iter().map(|&size| usize::try_from(size)).collect();
    let shape =
        shape.map_err(|_| Refused::new("shape", format!("{dims:?}"), "sizes of 0 or more"))?;
    Ok(Tensor { address: buffer.data.expose_provenance(), shape, dtype: dtype(buffer.dtype)? })
}

fn dtype(code: i32) -> Result<&'static str> {
    Ok(match code {
        1 => "bool",
        3 => "int16",
        4 => "int32",
        5 => "int64",
        6 => "uint8",
        8 => "uint32",
        9 => "uint64",
        10 => "float16",
        11 => "float32",
        12 => "float64",
        16 => "bfloat16",
        _ => {
            let found = format!("number {code} of XLA's");
            return Err(Refused::new("element type", found, "one that the engine reads"));
        }
    })
}

/// # Safety
///
/// The attributes are XLA's.
unsafe fn texts(attributes: &Attributes) -> Result<Vec<(String, String)>> {
    whole::<Attributes>("attributes", attributes.size)?;
    let count = attributes.count;
    // SAFETY: there are so many of each; a string is a span of bytes.
    unsafe {
        let (kinds, names) = (list(attributes.kinds, count), list(attributes.names, count));
        let values = list(attributes.values, count);
        let mut texts = Vec::with_capacity(names.len());
        for ((&kind, &name), &value) in kinds.iter().zip(names).zip(values) {
            if kind == STRING {
                texts.push((text(name.cast())?, text(value.cast())?));
            }
        }
        Ok(texts)
    }
}

/// # Safety
///
/// The bytes are XLA's.
unsafe fn text(bytes: *const super::c_api::Bytes) -> Result<String> {
    // SAFETY: a span of so many bytes.
    let bytes = unsafe { list((*bytes).pointer.cast::<u8>(), (*bytes).length as i64) };
    let text = str::from_utf8(bytes).map_err(|error| Refused::new("text", error, "UTF-8"))?;
    Ok(text.to_owned())
}

/// # Safety
///
/// There are so many elements, or none if the pointer is null.
unsafe fn list<'a, T>(pointer: *const T, count: i64) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the caller's word.
        Ok(count) if count > 0 && !pointer.is_null() => unsafe {
            slice::from_raw_parts(pointer, count)
        },
        _ => &[],
    }
}
