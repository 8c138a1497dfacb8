/** Lists may show a creation some seconds late: two empty readings prove absence only this far apart. */
export const ABSENCE_APART_S = 10;
