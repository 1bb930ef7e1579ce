"""What any argument may do: answer, or refuse in one line. ``make fuzz`` runs thousands, the ordinary tests some."""
