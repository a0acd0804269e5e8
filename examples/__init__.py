"""Examples: cases with their corpus, and programs that use the package."""
