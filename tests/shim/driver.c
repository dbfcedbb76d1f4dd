// Stands for the NVIDIA driver's library, which the loader opens before anything else.
int sac_shim_driver;
