"""The request desk: who asks, what waits, what is handed out, over HTTP."""
