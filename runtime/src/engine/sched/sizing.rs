pub(crate) fn worker_count() -> usize {
    num_cpus::get()
}
pub(crate) fn from_environment() -> Result<Option<usize>, String> {
    Ok(None)
}
