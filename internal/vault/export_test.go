package vault

// Words is what a name is found by.
var Words = words
