// Every word of the page, in one table per language.

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
  entries: (shape: string) => string;
  entry: (name: string, index: string, value: string) => string;
  sampled: (shape: string) => string;
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
  warnings: string;
  noWarnings: string;
  sigmoid: string;
  saturated: (kind: string, name: string, value: string, slope: string) => string;
  saturatedUnits: (kind: string, name: string, share: string) => string;
  silent: (name: string, value: string) => string;
  silentUnits: (name: string, dead: number, of: number) => string;
  zero: (name: string) => string;
  vanishing: (early: string, first: string, late: string, last: string) => string;
  exploding: (early: string, first: string, late: string, last: string) => string;
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

const en: Words = {
  languageName: "English",
  forward: "forward pass",
  backward: "backward pass",
  value: "value",
  gradient: "gradient",
  local: "×local gradient",
  localOfArrays: "arrays: shape and ‖norm‖",
  code: "The code",
  circuit: "The circuit",
  inputs: "Inputs",
  reset: "Reset",
  fit: "Fit",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  openAll: "Open all stages",
  closeAll: "Close all stages",
  dark: "Dark",
  light: "Light",
  maps: "Maps",
  saveSvg: "Save SVG",
  savePng: "Save PNG",
  search: "Find a variable",
  found: (n) => (n === 1 ? "1 found" : `${n} found`),
  first: "First step",
  back: "One step back",
  next: "One step on",
  last: "Last step",
  play: "Play",
  pause: "Pause",
  whole: "Show the whole",
  stepOf: (k, n) => `step ${k} of ${n}`,
  hint: "Drag an input and watch. The arrow keys ← → step through both passes, the space bar plays them.",
  notNumber: (text) => `“${text}” is not a number`,
  givesForward: (code, value) => `${code} gives ${value}`,
  gateForward: (gate, operands, value) => `gate ${gate} makes ${value} of ${operands}`,
  adds: (local, upstream, part, target) =>
    `local gradient ${local} times upstream ${upstream} adds ${part} to ${target}`,
  addsArray: (part, target) => `local gradient times upstream adds ${part} to ${target}`,
  firstPath: "the first path there: =",
  furtherPath: (total) => `another path: +=, together ${total}`,
  seed: (name) => `it begins with d${name} = 1`,
  entries: (shape) => `${shape} entries`,
  entry: (name, index, value) => `${name}[${index}] = ${value}`,
  sampled: (shape) => `a sample of ${shape} entries`,
  chooseEntry: "Choose an entry to change it",
  update: "Take a step down the gradient",
  rate: "learning rate",
  updated: (before, after) => `from ${before} to ${after}`,
  recorded: "recorded",
  stale: (operations) =>
    `Grey numbers are those of the recorded run: ${operations} cannot be computed in a page.`,
  notLive:
    "This function is too large to be computed anew in a page: the numbers are those of the recorded run.",
  fails: (code, error) => `${code} raises an error. ${error}`,
  raised: "The run ended with an error: the way up to there is shown.",
  otherBranch: (line, code) =>
    `Line ${line}, ${code}: here the code takes another branch. Run explain again at these inputs.`,
  warnings: "What goes wrong here",
  noWarnings: "Nothing goes wrong here",
  sigmoid: "sigmoid",
  saturated: (kind, name, value, slope) =>
    `The ${kind} in ${name} is saturated at ${value}: its slope is ${slope} of the largest, so almost no gradient gets through.`,
  saturatedUnits: (kind, name, share) =>
    `${share} of the ${kind}s in ${name} are saturated: almost no gradient gets through there.`,
  silent: (name, value) =>
    `The ReLU in ${name} is silent: its input is ${value}, so no gradient gets through.`,
  silentUnits: (name, dead, of) =>
    `${dead} of ${of} units of the ReLU in ${name} have no positive input: they get no gradient.`,
  zero: (name) => `The gradient of ${name} is exactly 0: no step would change it.`,
  vanishing: (early, first, late, last) =>
    `The gradient vanishes: its norm shrinks from ${late} at ${last} to ${early} at ${first}.`,
  exploding: (early, first, late, last) =>
    `The gradient explodes: its norm grows from ${late} at ${last} to ${early} at ${first}.`,
  notFinite: (name, what) => `${name} is ${what}: everything after it is lost.`,
  gradientNotFinite: (name, what) => `The gradient of ${name} is ${what}.`,
  turns: "Turns of the loop",
  turn: "turn",
  turnsOf: (shown, of) =>
    shown < of ? `The first ${shown} of ${of.toLocaleString("en")} turns` : `All ${of} turns`,
  more: "More",
  all: "All",
  details: "In detail",
  constant: "fixed",
  flag: "not a float: it has no gradient",
  closeStage: (name) => `Close the stage ${name}`,
  openStage: (name) => `Open the stage ${name}`,
  practise: "Your turn",
  study: "Show the lines",
  practiseIntro:
    "Write each backward line yourself, in NumPy. It is judged as you type, at this point and at others.",
  localIntro:
    "Write the local gradient of each stage alone: how its result changes with one variable. It is judged as you type, at this point and at others.",
  task: "What to write",
  wholeLines: "whole lines",
  localAlone: "local gradients alone",
  localFor: (stage, name) => `your local gradient of ${stage} by ${name}`,
  hintNumber: (number) => `At these inputs it is ${number}.`,
  lineFor: (name) => `your line for ${name}`,
  right: "right",
  hintButton: (k) => `Hint ${k} of 3`,
  hintShape: (name, shape) => `${name} has the shape of its variable: ${shape}.`,
  hintRule: (stage, name) =>
    `Look at ${stage}: how does its result change with ${name}, all else fixed?`,
  hintFactors: (local, upstream) =>
    `Multiply the local gradient ${local} with the upstream gradient ${upstream}.`,
  hintAnswer: (line) => `One way to write it: ${line}`,
  score: (right, of) => `${right} of ${of} lines are right`,
  notFormula: (why) => `not a formula: ${why}`,
  wrongShape: (found, expected) => `the shape is ${found}, it should be ${expected}`,
  wrong: "right shape, but wrong numbers",
  wrongElsewhere: "right here, but not at other inputs",
  doesNotFit: (shapes) => `these shapes do not go together: ${shapes}`,
  result: "Your result, as a code",
  resultHelp: "Give it to whoever set the exercise.",
  startAgain: "Begin again",
  causes: {
    upstream: "the upstream gradient is missing",
    sign: "the sign is wrong",
    transpose: "a transpose is missing or too many",
    sum: "a sum over the rows is missing",
    "factor 2": "it is half of what it should be: a factor 2 is missing",
    half: "it is twice of what it should be",
    local: "the local gradient is missing",
    "one path": "this is only one of several paths: add them up",
    whole: "this is the whole line: leave the upstream gradient out",
    previous: "this is the sum of all paths: write what this line adds",
  },
  unknownName: (name) => `there is no variable ${name}`,
  unknownFunction: (name) => `the page does not know ${name}`,
  missingPlus: "a gradient is there already: write +=",
  previousPage: "back",
  nextPage: "next",
  allPages: "all pages",
  keys: "keys: ← → step, space plays, Esc shows the whole, + − 0 zoom",
};

const ru: Words = {
  languageName: "Русский",
  forward: "проход вперёд",
  backward: "проход назад",
  value: "значение",
  gradient: "градиент",
  local: "×локальный градиент",
  localOfArrays: "массивы: размер и ‖норма‖",
  code: "Код",
  circuit: "Вычислительный граф",
  inputs: "Входы",
  reset: "Сбросить",
  fit: "Вписать",
  zoomIn: "Крупнее",
  zoomOut: "Мельче",
  openAll: "Раскрыть все этапы",
  closeAll: "Свернуть все этапы",
  dark: "Тёмная",
  light: "Светлая",
  maps: "Карты",
  saveSvg: "Сохранить SVG",
  savePng: "Сохранить PNG",
  search: "Найти переменную",
  found: (n) => `найдено: ${n}`,
  first: "Первый шаг",
  back: "Шаг назад",
  next: "Шаг вперёд",
  last: "Последний шаг",
  play: "Воспроизвести",
  pause: "Пауза",
  whole: "Показать целиком",
  stepOf: (k, n) => `шаг ${k} из ${n}`,
  hint: "Двигайте вход и смотрите. Стрелки ← → ведут по обоим проходам, пробел воспроизводит их.",
  notNumber: (text) => `«${text}» — не число`,
  givesForward: (code, value) => `${code} даёт ${value}`,
  gateForward: (gate, operands, value) => `узел ${gate} делает ${value} из ${operands}`,
  adds: (local, upstream, part, target) =>
    `локальный градиент ${local} умножить на пришедший ${upstream}: прибавляет ${part} к ${target}`,
  addsArray: (part, target) =>
    `локальный градиент, умноженный на пришедший, прибавляет ${part} к ${target}`,
  firstPath: "первый путь сюда: =",
  furtherPath: (total) => `ещё один путь: +=, вместе ${total}`,
  seed: (name) => `начинаем с d${name} = 1`,
  entries: (shape) => `элементов: ${shape}`,
  entry: (name, index, value) => `${name}[${index}] = ${value}`,
  sampled: (shape) => `выборка из ${shape} элементов`,
  chooseEntry: "Выберите элемент, чтобы изменить его",
  update: "Сделать шаг против градиента",
  rate: "скорость обучения",
  updated: (before, after) => `было ${before}, стало ${after}`,
  recorded: "записано",
  stale: (operations) =>
    `Серые числа — из записанного запуска: ${operations} на странице не вычислить.`,
  notLive: "Функция слишком велика, чтобы вычислять её на странице: числа из записанного запуска.",
  fails: (code, error) => `${code} вызывает ошибку. ${error}`,
  raised: "Выполнение прервала ошибка: показан путь до неё.",
  otherBranch: (line, code) =>
    `Строка ${line}, ${code}: здесь код пошёл бы другой ветвью. Запустите explain заново с этими входами.`,
  warnings: "Что здесь не так",
  noWarnings: "Всё в порядке",
  sigmoid: "Сигмоида",
  saturated: (kind, name, value, slope) =>
    `${kind} в ${name} насыщена при ${value}: наклон — ${slope} от наибольшего, градиент почти не проходит.`,
  saturatedUnits: (kind, name, share) =>
    `${kind} в ${name}: насыщено ${share}, там градиент почти не проходит.`,
  silent: (name, value) => `ReLU в ${name} молчит: её вход ${value}, градиент не проходит.`,
  silentUnits: (name, dead, of) =>
    `ReLU в ${name}: у ${dead} из ${of} нейронов нет положительного входа, градиента они не получают.`,
  zero: (name) => `Градиент по ${name} в точности 0: ни один шаг его не изменит.`,
  vanishing: (early, first, late, last) =>
    `Градиент затухает: его норма падает с ${late} у ${last} до ${early} у ${first}.`,
  exploding: (early, first, late, last) =>
    `Градиент взрывается: его норма растёт с ${late} у ${last} до ${early} у ${first}.`,
  notFinite: (name, what) => `${name} = ${what}: всё после этого потеряно.`,
  gradientNotFinite: (name, what) => `Градиент по ${name} = ${what}.`,
  turns: "Обороты цикла",
  turn: "оборот",
  turnsOf: (shown, of) =>
    shown < of ? `Первые ${shown} из ${of.toLocaleString("ru")} оборотов` : `Все обороты: ${of}`,
  more: "Ещё",
  all: "Все",
  details: "Подробно",
  constant: "постоянная",
  flag: "не вещественное число: градиента нет",
  closeStage: (name) => `Свернуть этап ${name}`,
  openStage: (name) => `Раскрыть этап ${name}`,
  practise: "Ваш ход",
  study: "Показать строки",
  practiseIntro:
    "Напишите каждую строку прохода назад сами, на NumPy. Она проверяется сразу, здесь и в других точках.",
  localIntro:
    "Напишите лишь локальный градиент каждого этапа: как меняется его результат с одной переменной. Он проверяется сразу, здесь и в других точках.",
  task: "Что писать",
  wholeLines: "строки целиком",
  localAlone: "только локальные градиенты",
  localFor: (stage, name) => `ваш локальный градиент ${stage} по ${name}`,
  hintNumber: (number) => `При этих входах он равен ${number}.`,
  lineFor: (name) => `ваша строка для ${name}`,
  right: "верно",
  hintButton: (k) => `Подсказка ${k} из 3`,
  hintShape: (name, shape) => `${name} имеет размер своей переменной: ${shape}.`,
  hintRule: (stage, name) =>
    `Посмотрите на ${stage}: как меняется результат с ${name}, если остальное постоянно?`,
  hintFactors: (local, upstream) =>
    `Умножьте локальный градиент ${local} на пришедший ${upstream}.`,
  hintAnswer: (line) => `Можно записать так: ${line}`,
  score: (right, of) => `верно строк: ${right} из ${of}`,
  notFormula: (why) => `не формула: ${why}`,
  wrongShape: (found, expected) => `размер ${found}, а нужен ${expected}`,
  wrong: "размер верный, числа нет",
  wrongElsewhere: "здесь верно, а в других точках нет",
  doesNotFit: (shapes) => `эти размеры не подходят друг к другу: ${shapes}`,
  result: "Ваш результат в виде кода",
  resultHelp: "Отдайте его тому, кто дал упражнение.",
  startAgain: "Начать заново",
  causes: {
    upstream: "не хватает пришедшего градиента",
    sign: "неверный знак",
    transpose: "не хватает транспонирования, или оно лишнее",
    sum: "не хватает суммы по строкам",
    "factor 2": "вдвое меньше, чем нужно: потерян множитель 2",
    half: "вдвое больше, чем нужно",
    local: "не хватает локального градиента",
    "one path": "это лишь один из путей: сложите их",
    whole: "это вся строка: уберите пришедший градиент",
    previous: "это сумма всех путей: напишите, что прибавляет эта строка",
  },
  unknownName: (name) => `нет переменной ${name}`,
  unknownFunction: (name) => `страница не знает ${name}`,
  missingPlus: "градиент уже есть: пишите +=",
  previousPage: "назад",
  nextPage: "дальше",
  allPages: "все страницы",
  keys: "клавиши: ← → шаг, пробел воспроизводит, Esc показывает целиком, + − 0 масштаб",
};

export const words: Record<Language, Words> = { en, ru };
