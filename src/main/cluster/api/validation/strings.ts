/**
 * The formats of names, keys and numbers. Every check answers the messages of
 * what is wrong; none means valid.
 */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualified})?`;
const configKey = '[-._a-zA-Z0-9]+';
const percent = '[0-9]+%';
const headerName = '[-A-Za-z0-9]+';

const compiled = new Map<string, RegExp>();
function matches(value: string, pattern: string): boolean {
  let regexp = compiled.get(pattern);
  if (!regexp) compiled.set(pattern, (regexp = new RegExp(`^${pattern}$`)));
  return regexp.test(value);
}

/** The explanation of a value that does not match, with examples of some that do. */
function mismatch(rule: string, pattern: string, ...examples: string[]): string {
  const quoted = examples.map((example) => `'${example}', `).join(' or ');
  return `${rule} (e.g. ${quoted}regex used for validation is '${pattern}')`;
}

const bytes = (value: string): number => Buffer.byteLength(value, 'utf8');
const atMost = (limit: number): string => `must be no more than ${limit} bytes`;

function limited(value: string, limit: number, pattern: string, explanation: () => string): string[] {
  const messages: string[] = [];
  if (bytes(value) > limit) messages.push(atMost(limit));
  if (!matches(value, pattern)) messages.push(explanation());
  return messages;
}

const alphanumericEnds = 'and must start and end with an alphanumeric character';

/** RFC 1123 label: names of namespaces and containers. */
export const dnsLabel = (value: string): string[] =>
  limited(value, 63, label, () =>
    mismatch(
      `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', ${alphanumericEnds}`,
      label,
      'my-name',
      '123-abc',
    ),
  );

/** RFC 1123 subdomain: names of most objects. */
export const dnsSubdomain = (value: string): string[] =>
  limited(value, 253, subdomain, () =>
    mismatch(
      `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ${alphanumericEnds}`,
      subdomain,
      'example.com',
    ),
  );

/** RFC 1035 label: names of services. */
export const dns1035Label = (value: string): string[] =>
  limited(value, 63, label1035, () =>
    mismatch(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      label1035,
      'my-name',
      'abc-123',
    ),
  );

/** A name that only has to fit into one segment of a path. */
export function pathSegment(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%']
    .filter((character) => value.includes(character))
    .map((character) => `may not contain '${character}'`);
}

/** A label key: an optional DNS prefix and a name. */
export function qualifiedName(value: string): string[] {
  const explanation = mismatch(
    `must consist of alphanumeric characters, '-', '_' or '.', ${alphanumericEnds}`,
    qualified,
    'MyName',
    'my.name',
    '123-abc',
  );
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${explanation} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const messages: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (!prefix) messages.push('prefix part must be non-empty');
    else messages.push(...dnsSubdomain(prefix).map((message) => `prefix part ${message}`));
  }
  const name = parts.at(-1)!;
  if (!name) messages.push('name part must be non-empty');
  else if (bytes(name) > 63) messages.push(`name part ${atMost(63)}`);
  if (!matches(name, qualified)) messages.push(`name part ${explanation}`);
  return messages;
}

/** The value of a label. */
export const validLabelValue = (value: string): string[] =>
  limited(value, 63, labelValue, () =>
    mismatch(
      `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', ${alphanumericEnds}`,
      labelValue,
      'MyValue',
      'my_value',
      '12345',
    ),
  );

/** A key of a ConfigMap or Secret, which becomes a file name. */
export function configMapKey(value: string): string[] {
  const messages = limited(value, 253, configKey, () =>
    mismatch(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configKey,
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  );
  if (value === '.' || value === '..') messages.push(`must not be '${value}'`);
  else if (value.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

/** The name of an environment variable. */
export function envVarName(value: string): string[] {
  if (value.length === 0) return ['environment variable name must be non-empty'];
  return /^[ -<>-~]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** The name of a container's port. */
export function portName(value: string): string[] {
  const messages: string[] = [];
  if (value.length > 15) messages.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value))
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

/** A port number. */
export const portNumber = (value: number): string[] =>
  value >= 1 && value <= 65_535 ? [] : ['must be between 1 and 65535, inclusive'];

/** A port by number or name. */
export function portNumberOrName(value: number | string): string[] {
  return typeof value === 'number' ? portNumber(value) : portName(value);
}

/** `25%`. */
export const percentage = (value: string): string[] =>
  matches(value, percent)
    ? []
    : [mismatch("a valid percent string must be a numeric string followed by an ending '%'", percent, '1%', '93%')];

export const httpHeaderName = (value: string): string[] =>
  matches(value, headerName)
    ? []
    : [mismatch("a valid HTTP header must consist of alphanumeric characters or '-'", headerName, 'X-Header-Name')];

/** An IPv4 or IPv6 address. */
export function ipAddress(value: string): string[] {
  return isIpAddress(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
}

function isIpAddress(value: string): boolean {
  if (/^(\d{1,3}\.){3}\d{1,3}$/.test(value)) {
    return value.split('.').every((part) => Number(part) <= 255 && (part === '0' || !part.startsWith('0')));
  }
  // An address in brackets is a host of a URL only when it is a well-formed IPv6 address.
  return value.includes(':') && !/[[\]/%]/.test(value) && URL.canParse(`http://[${value}]/`);
}
