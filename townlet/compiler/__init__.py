"""Compiling the simulation: Numba, made to measure. Only this package imports Numba; `townlet.world.jit` leads to it.

Read in this order: `store` (where machine code is kept, and whether it is there; knows no Numba), `groups` (what a
kernel is handed), `elements` (how it reads and writes it), `target` (what is compiled for), `kernels` (what is compiled
together, and when), `parallel` (all of it, by several processes at once), `warmup` (the same from outside, with a bar).
"""
