"""The losses once more, in the operations of whatever array framework: the plain losses.

The engine computes the same numbers in one sweep and without intermediate arrays. This is what
runs where it cannot: on other devices, under transforms, for higher derivatives. It is written
once. Every function takes `xp`, a module with the operations of a framework, see `Namespace`.

    voxels ─▶ moments (N, K, C) ─▶ evaluate ─▶ loss

- `objective`: what a spec says, as plain data.
- `voxels`: the sums over the voxels, and the loss of every voxel.
- `formula`: the losses as functions of a class's sums, by the engine's tape.
- `evaluation`: pooling, absent classes, class weights, means.
- `direct`, `lovasz`: losses beside the objective, which are no functions of sums.
"""
