"""What each ranking strategy costs and finds, with simulated judges whose truth is known."""
