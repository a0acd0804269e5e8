"""What a judge of steps is worth: in a search world with known information gain, and against people's labels."""
