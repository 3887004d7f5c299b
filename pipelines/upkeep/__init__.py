"""Whether what is installed here, and the machine, will do."""
