"""Whether any choice of half the comparisons could be as good as all of them, with the simulated judges."""
