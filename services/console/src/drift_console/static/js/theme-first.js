// Runs before the first paint, so that a stored choice of theme never flashes the other one.
try {
  const stored = localStorage.getItem("drift-theme");
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
} catch {
  // Storage may be forbidden; the system's preference then decides.
}
