"""Takes, their renditions, where the files lie, and how they are served."""
