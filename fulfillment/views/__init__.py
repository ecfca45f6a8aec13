"""The screens of the warehouse and its desk."""
