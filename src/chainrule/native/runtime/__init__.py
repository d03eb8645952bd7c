"""What machine code needs while it is made and runs: LLVM, the disk cache, threads, signals."""
