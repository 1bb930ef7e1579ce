"""What the data is: one law of the samples a file, and the protocols that every law keeps."""
