/** The scheme of the page in the desktop window, and the one host under it. */
export const scheme = 'app';
export const pageHost = 'gantry';
export const pageUrl = `${scheme}://${pageHost}/`;

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}

/** Whether a URL is of our own page. Compared by its parts: `app://gantry.evil` and `app://evil/app://gantry/` are not. */
export function isPage(url: string): boolean {
  const parsed = parse(url);
  return (
    parsed !== undefined &&
    parsed.protocol === `${scheme}:` &&
    parsed.host === pageHost &&
    parsed.username === '' &&
    parsed.password === ''
  );
}

/** Whether a URL may be handed to the user's browser: the web, and nothing that starts a program. */
export function isWeb(url: string): boolean {
  const protocol = parse(url)?.protocol;
  return protocol === 'https:' || protocol === 'http:';
}
