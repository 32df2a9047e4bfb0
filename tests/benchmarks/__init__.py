"""The benchmarks that ``neurolab bench`` runs: each workload against the obvious loop of hooks and against its peers.

What a row says: ``id``; ``speedup``, CPU time of the loop (or of what ``against`` names) over CPU time of neurolab;
``bound_fraction``, the time that the least FLOPs of the workload would take at the measured peak of a matrix product
over the time taken; ``max_abs_diff`` from the loop; ``extra_mb``, peak memory of a fresh process above that before the
campaign; ``peers``, the same speed-up of other programs. One thread, the two sides interleaved in one process.
"""
