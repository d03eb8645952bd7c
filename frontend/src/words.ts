// Every word of the page: one table per language.

import { en } from "./en";
import { ru } from "./ru";

export type Language = "en" | "ru";

export interface Words {
  languageName: string;
  forward: string;
  backward: string;
  value: string;
  gradient: string;
  local: string;
  localOfArrays: string;
  code: string;
  circuit: string;
  inputs: string;
  reset: string;
  fit: string;
  zoomIn: string;
  zoomOut: string;
  openAll: string;
  closeAll: string;
  dark: string;
  light: string;
  maps: string;
  saveSvg: string;
  savePng: string;
  search: string;
  found: (n: number) => string;
  first: string;
  back: string;
  next: string;
  last: string;
  play: string;
  pause: string;
  whole: string;
  stepOf: (k: number, n: number) => string;
  hint: string;
  notNumber: (text: string) => string;
  givesForward: (code: string, value: string) => string;
  gateForward: (gate: string, operands: string, value: string) => string;
  adds: (local: string, upstream: string, part: string, target: string) => string;
  addsArray: (part: string, target: string) => string;
  firstPath: string;
  furtherPath: (total: string) => string;
  seed: (name: string) => string;
  entry: (name: string, index: string, value: string) => string;
  sampled: (shape: string, norm: string, mean: string, least: string, most: string) => string;
  chooseEntry: string;
  update: string;
  rate: string;
  updated: (before: string, after: string) => string;
  stale: (operations: string) => string;
  recorded: string;
  notLive: string;
  fails: (code: string, error: string) => string;
  raised: string;
  otherBranch: (line: number, code: string) => string;
  alarms: Record<string, string>;
  /** Activation functions. */
  kinds: Record<string, string>;
  notFinite: (name: string, what: string) => string;
  gradientNotFinite: (name: string, what: string) => string;
  details: string;
  turns: string;
  turn: string;
  turnsOf: (shown: number, of: number) => string;
  more: string;
  all: string;
  constant: string;
  flag: string;
  closeStage: (name: string) => string;
  openStage: (name: string) => string;
  practise: string;
  study: string;
  practiseIntro: string;
  localIntro: string;
  task: string;
  wholeLines: string;
  localAlone: string;
  localFor: (stage: string, name: string) => string;
  hintNumber: (number: string) => string;
  lineFor: (name: string) => string;
  right: string;
  hintButton: (k: number) => string;
  hintShape: (name: string, shape: string) => string;
  hintRule: (stage: string, name: string) => string;
  hintFactors: (local: string, upstream: string) => string;
  hintAnswer: (line: string) => string;
  score: (right: number, of: number) => string;
  notFormula: (why: string) => string;
  wrongShape: (found: string, expected: string) => string;
  wrong: string;
  wrongElsewhere: string;
  doesNotFit: (shapes: string) => string;
  result: string;
  resultHelp: string;
  startAgain: string;
  causes: Record<Cause, string>;
  unknownName: (name: string) => string;
  unknownFunction: (name: string) => string;
  missingPlus: string;
  keys: string;
  previousPage: string;
  nextPage: string;
  pages: string;
  allPages: string;
}

export type Cause =
  | "upstream"
  | "sign"
  | "transpose"
  | "sum"
  | "factor 2"
  | "half"
  | "local"
  | "one path"
  | "whole"
  | "previous";

export const words: Record<Language, Words> = { en, ru };
