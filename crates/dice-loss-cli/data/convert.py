"""Convert the chest CT and its label map from the slicerio wheel to NIfTI.

    pip install numpy nibabel pynrrd
    pip download --no-deps slicerio==1.4.0
    python convert.py slicerio-1.4.0-py3-none-any.whl

Voxels keep their order; only the container changes. The NRRD axes count in
left-posterior-superior, NIfTI's in right-anterior-superior, so the first two rows
of the affine change their sign. Without a time stamp in the gzip header, the same
wheel gives the same bytes.
"""

import gzip
import hashlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import nibabel
import nrrd
import numpy as np

CLASSES = {
    1: "ribs",
    2: "cervical vertebral column",
    3: "thoracic vertebral column",
    4: "lumbar vertebral column",
    5: "right lung",
    6: "left lung",
    7: "tissue",
}


def read(wheel: zipfile.ZipFile, name: str):
    with tempfile.TemporaryDirectory() as folder:
        return nrrd.read(wheel.extract(f"slicerio/data/{name}", folder))


def affine(header) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(header["space directions"], dtype=float).T
    matrix[:3, 3] = header["space origin"]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix


def write(path: Path, voxels: np.ndarray, matrix: np.ndarray) -> None:
    image = nibabel.Nifti1Image(voxels, matrix)
    image.set_sform(matrix, code=1)
    image.set_qform(matrix, code=1)
    image.header.set_xyzt_units("mm")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as out:
        out.write(image.to_bytes())
    path.write_bytes(packed.getvalue())
    print(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def main(wheel_path: Path, out: Path) -> None:
    print(hashlib.sha256(wheel_path.read_bytes()).hexdigest(), wheel_path.name)
    with zipfile.ZipFile(wheel_path) as wheel:
        image, image_header = read(wheel, "CTChest4.nrrd")
        labels, label_header = read(wheel, "Segmentation.seg.nrrd")
    assert image.shape == labels.shape, (image.shape, labels.shape)
    assert np.allclose(affine(image_header), affine(label_header))
    for number, name in CLASSES.items():
        segment = f"Segment{number - 1}"
        assert int(label_header[f"{segment}_LabelValue"]) == number
        assert label_header[f"{segment}_Name"] == name
    assert set(np.unique(labels)) == {0, *CLASSES}
    assert np.iinfo(np.int16).min <= image.min() and image.max() <= np.iinfo(np.int16).max
    write(out / "chest-ct.nii.gz", image.astype(np.int16), affine(image_header))
    write(out / "chest-ct-labels.nii.gz", labels.astype(np.uint8), affine(label_header))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent)
