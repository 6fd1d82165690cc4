/** The eject sign, drawn like the icons around it. */
export function EjectIcon() {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M12 5.5 19 14H5z" />
      <path d="M5.500 18.500h13" strokeLinecap="round" />
    </svg>
  )
}
