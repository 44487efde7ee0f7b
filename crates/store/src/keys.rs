//! Data keys, wrapped by a master key from a key provider.
