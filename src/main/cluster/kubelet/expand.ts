/**
 * Replaces `$(NAME)` by the variable's value. `$$` stands for a dollar sign; a
 * reference to an unknown variable stays as it is.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, what: string, name: string | undefined) =>
    what === '$' ? '$' : (lookup(name ?? '') ?? whole),
  );
}
