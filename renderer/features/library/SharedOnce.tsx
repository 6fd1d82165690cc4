/** Why the sizes of several cartridges are more in all than they take on disk. */
export function SharedOnce() {
  return <p className="small muted">What they share is on disk once, so there they may take less.</p>
}
