import { Optional, type Environment } from '@marcbachmann/cel-js';
import { hasFormat } from '../../apiextensions/schema/formats';
import { dns1035Label, dnsLabel, dnsSubdomain, qualifiedName, validLabelValue } from '../../validation/strings';

/** What a text may be held to: answers what is wrong with one. */
class Format {
  constructor(readonly faults: (text: string) => string[]) {}
}

/** What `format.dns1123Label()` is called on. */
class Formats {
  readonly name = 'format';
}

/** A prefix of a generated name may end with a dash: something follows it. */
const asPrefix = (faults: (text: string) => string[]) => (text: string) => faults(text.replace(/-$/, 'a'));
const like = (format: string, fault: string) => (text: string) => (hasFormat(text, format) ? [] : [fault]);

const formats: Record<string, Format> = Object.fromEntries(
  Object.entries({
    dns1123Label: dnsLabel,
    dns1123Subdomain: dnsSubdomain,
    dns1035Label,
    qualifiedName,
    dns1123LabelPrefix: asPrefix(dnsLabel),
    dns1123SubdomainPrefix: asPrefix(dnsSubdomain),
    dns1035LabelPrefix: asPrefix(dns1035Label),
    labelValue: validLabelValue,
    uri: like('uri', 'invalid URI'),
    uuid: like('uuid', 'does not match the UUID format'),
    byte: like('byte', 'invalid base64'),
    date: like('date', 'invalid date'),
    datetime: like('datetime', 'invalid datetime'),
  }).map(([name, faults]) => [name, new Format(faults)]),
);

/** `format.NAME().validate(text)`: nothing for a text that has the format, else what is wrong with it. */
export function registerFormats(environment: Environment): void {
  const type = 'kubernetes.NamedFormat';
  environment.registerType(type, Format);
  environment.registerType('FormatNamespace', Formats);
  environment.registerConstant('format', 'FormatNamespace', new Formats());
  for (const [name, format] of Object.entries(formats)) {
    environment.registerFunction(`FormatNamespace.${name}(): ${type}`, () => format);
  }
  environment.registerFunction(`FormatNamespace.named(string): optional<${type}>`, (_: Formats, name: string) =>
    Object.hasOwn(formats, name) ? Optional.of(formats[name]) : Optional.none(),
  );
  environment.registerFunction(`${type}.validate(string): optional<list<string>>`, (format: Format, text: string) => {
    const faults = format.faults(text);
    return faults.length > 0 ? Optional.of(faults) : Optional.none();
  });
}
