"""Whether dictionaries, taxonomies and tables are well-formed: tables of rules, each a small function."""
