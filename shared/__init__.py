"""What api and worker have in common. Imports neither of them, nor anything that knows HTTP."""
