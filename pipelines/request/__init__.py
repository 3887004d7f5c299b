"""What a survey manager asks for and receives: filters, answer, pack."""
