"""What lies on the desk: runs, areas, requests, reviews, and who saw what."""
