"""What a window looks like beside the reference: for a person's eye, not for the verdict."""
