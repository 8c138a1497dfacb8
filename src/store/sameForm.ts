/**
 * SQL that two values of a field are the same in canonical form. The hash is what the index holds (a value may be longer than
 * an index takes), the form itself decides.
 * @param form the function of the field's canonical form, e.g. `counterpart.canonical_email`
 */
export function sameForm(form: string, a: string, b: string): string {
  return `hashtextextended(${form}(${a}), 0) = hashtextextended(${form}(${b}), 0) and ${form}(${a}) = ${form}(${b})`;
}
