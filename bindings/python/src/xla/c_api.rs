//! XLA's interface for foreign functions, version 0.1: the part of `xla/ffi/api/c_api.h` that the
//! calls need, and nothing safe about it.
//!
//! Later versions only append fields and extensions, so these structures stay prefixes of theirs.

use std::ffi::{c_char, c_void};

/// A function that XLA calls. Returns null, or an error that XLA then owns.
pub(super) type Handler = unsafe extern "C" fn(*mut CallFrame) -> *mut c_void;

/// What `Extension::kind` is for a question about the function instead of a call.
pub(super) const METADATA: i32 = 1;
/// The stage in which buffers are there.
pub(super) const EXECUTE: i32 = 3;
/// The only kind of argument and result.
pub(super) const BUFFER: i32 = 1;
/// The kind of an attribute that is a string.
pub(super) const STRING: i32 = 4;
/// The caller's mistake.
pub(super) const INVALID_ARGUMENT: i32 = 3;
/// This library's mistake.
pub(super) const INTERNAL: i32 = 13;

#[repr(C)]
pub(super) struct Extension {
    pub size: usize,
    pub kind: i32,
    pub next: *mut Extension,
}

#[repr(C)]
pub(super) struct Version {
    pub size: usize,
    pub extensions: *mut Extension,
    pub major: i32,
    pub minor: i32,
}

#[repr(C)]
pub(super) struct Metadata {
    pub size: usize,
    pub version: Version,
    pub traits: u32,
}

#[repr(C)]
pub(super) struct MetadataExtension {
    pub base: Extension,
    pub metadata: *mut Metadata,
}

#[repr(C)]
pub(super) struct Buffer {
    pub size: usize,
    pub extensions: *mut Extension,
    pub dtype: i32,
    pub data: *mut c_void,
    pub rank: i64,
    pub dims: *const i64,
}

/// Arguments, or results.
#[repr(C)]
pub(super) struct Operands {
    pub size: usize,
    pub extensions: *mut Extension,
    pub count: i64,
    pub kinds: *const i32,
    pub operands: *const *const c_void,
}

#[repr(C)]
pub(super) struct Bytes {
    pub pointer: *const c_char,
    pub length: usize,
}

#[repr(C)]
pub(super) struct Attributes {
    pub size: usize,
    pub extensions: *mut Extension,
    pub count: i64,
    pub kinds: *const i32,
    pub names: *const *const Bytes,
    pub values: *const *const c_void,
}

#[repr(C)]
pub(super) struct NewError {
    pub size: usize,
    pub extensions: *mut Extension,
    pub message: *const c_char,
    pub code: i32,
}

#[repr(C)]
pub(super) struct Api {
    pub size: usize,
    pub extensions: *mut Extension,
    pub version: Version,
    pub internal: *const c_void,
    pub new_error: unsafe extern "C" fn(*mut NewError) -> *mut c_void,
}

#[repr(C)]
pub(super) struct CallFrame {
    pub size: usize,
    pub extensions: *mut Extension,
    pub api: *const Api,
    pub context: *mut c_void,
    pub stage: i32,
    pub arguments: Operands,
    pub results: Operands,
    pub attributes: Attributes,
}
