"""Pages of the kernel: signing in, one's own settings, people, background jobs, errors, health."""
