/** Switches that belong to Chromium, Node's inspector or the platform, not to us. */
const foreign =
  /^--?(no-sandbox|disable-|enable-|remote-debugging-|inspect|ozone-|force-|lang=|use-|user-data-dir|password-store|original-process-start-time|allow-|js-flags|trace-|log-|v=|psn_)/;

/**
 * Our own flags out of the command line of the desktop program.
 * @param packaged otherwise the first word that is no flag is the app's folder
 */
export function ownArguments(argv: string[], packaged: boolean): string[] {
  const own = argv.slice(1).filter((word) => !foreign.test(word));
  return packaged ? own : own.slice(1);
}
