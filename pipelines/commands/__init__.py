"""The subcommands of `see`, a module for each group; importing one adds its commands to the app."""
