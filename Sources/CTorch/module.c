// The one file of this target that needs no libtorch: a target has at least one.
extern int ct_module;
