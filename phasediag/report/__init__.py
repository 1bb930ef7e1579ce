"""Results as records, with the notes that say what limits each number: what the commands print."""
