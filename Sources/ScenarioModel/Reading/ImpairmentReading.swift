import Impairments
import SansIO

/// The keys that say what a link does to packets: the same in `network:` and in the step `impair`.
enum ImpairmentKeys {
  static let preset = Key.optional(
    "preset", ValueType<ImpairmentPreset>.word,
    "A network as people meet them, to which the other keys are changes: "
      + ImpairmentPreset.allCases.map { "`\($0.rawValue)` (\($0.summary))" }.joined(separator: "; ") + ".")
  static let delay = Key.optional("delay", .duration, "One way; when missing, 1 ms.", inherits: true)
  static let delaySteps = Key.optional(
    "delaySteps", .oneOrMore(.delayStep), "Other delays from later moments on, in their order.")
  static let jitter = Key.optional("jitter", .jitter, "What is added to the delay of each packet; when missing, nothing.", inherits: true)
  static let loss = Key.optional("loss", .loss, "Which packets are lost; when missing, none.", inherits: true)
  static let duplicate = Key.optional("duplicate", .share, "The share of datagrams that arrive twice; when missing, none.")
  static let reorder = Key.optional("reorder", .reordering, "Which datagrams are held back, so that later ones overtake them.")
  static let bandwidth = Key.optional(
    "bandwidth", .bitRate, "Bits a second that the link carries, of IP packets with their headers; when missing, any number.")
  static let queue = Key.optional(
    "queue", .queue, "The most that waits before the link; what does not fit is lost. When missing, 200 ms of the bandwidth."
  ).with(.key("bandwidth"), .key("preset"))
  static let crossTraffic = Key.optional(
    "crossTraffic", .bitRate, "What others send through the same queue, in packets of 1,500 octets at random moments."
  ).with(.key("bandwidth"), .key("preset"))
  static let outage = Key.optional("outage", .oneOrMore(.outage), "When the link is down: what is sent then is lost.")
  static let corrupt = Key.optional(
    "corrupt", .share, "The share of packets in which a bit is flipped: they are lost, since the checksum of UDP or TCP shows it.")
  static let pastChecksum = Key.optional(
    "pastChecksum", .flag, "Datagrams arrive with the flipped bit: a box on the way has computed the checksum anew."
  ).with(.key("corrupt"))
  static let pattern = Key.optional(
    "pattern", .pattern,
    "A file that says packet by packet what becomes of them, a line each, from the beginning again after the last: a time "
      + "(`21.5 ms`) instead of the delay, `lost`, or `link`: as the other keys have it; `lost x 5` is five lines, `# …` a comment, and "
      + "`once` as the last line ends it. The path is relative to this file.")
  static let fates = Key.optional(
    "fates", .fates,
    "What becomes of single packets, by their numbers on the link from 1: `lost`, or a time (`21.5 ms`); "
      + "whatever `impair` and `heal` say later."
  )

  static let all: [any DescribedField] = [
    preset, delay, delaySteps, jitter, loss, duplicate, reorder, bandwidth, queue, crossTraffic, outage, corrupt, pastChecksum, pattern,
    fates,
  ]

  static func read(_ fields: FieldSet) throws(SourceProblem) -> Impairment {
    var link = try fields[preset]?.impairment ?? .perfect
    if let delay = try fields[delay] { link.delay = delay }
    if let steps = try fields[delaySteps] { link.delaySteps = try ordered(steps, fields) }
    if let jitter = try fields[jitter] { link.jitter = jitter }
    if let loss = try fields[loss] { link.loss = loss }
    if let duplicate = try fields[duplicate] { link.duplicate = duplicate }
    if let reordering = try fields[reorder] { link.reordering = reordering }
    try readBandwidth(fields, &link)
    if let outages = try fields[outage] { link.outages = outages }
    if let share = try fields[corrupt] { link.corruption = Corruption(share, passesChecksum: try fields[pastChecksum] ?? false) }
    link.list = try fields[pattern]
    if let list = try fields[fates] {
      guard link.list == nil else { throw (fields.place(of: fates) ?? fields.place).problem("a link has a pattern or fates, not both") }
      link.list = list
    }
    return link
  }

  private static func readBandwidth(_ fields: FieldSet, _ link: inout Impairment) throws(SourceProblem) {
    if let rate = try fields[bandwidth] { link.bandwidth = Bandwidth(bitsPerSecond: rate) }
    for key in [queue.description, crossTraffic.description] where fields.has(key.name) && link.bandwidth == nil {
      throw fields.place.problem("'\(key.name)' needs a 'bandwidth', which the preset does not have")
    }
    if let queue = try fields[queue] { link.bandwidth?.queue = queue }
    if let traffic = try fields[crossTraffic] { link.bandwidth?.crossTraffic = traffic }
  }

  private static func ordered(_ steps: [DelayStep], _ fields: FieldSet) throws(SourceProblem) -> [DelayStep] {
    guard zip(steps, steps.dropFirst()).allSatisfy({ $0.after < $1.after }) else {
      throw (fields.place(of: delaySteps) ?? fields.place).problem("each step comes after the one before it")
    }
    return steps
  }
}

/// `jitter: 8 ms`, `jitter: { gamma: 10 ms, shape: 2, correlation: 30 %, keepOrder: true }`
enum JitterKeys {
  static let uniform = Key.optional("uniform", .duration, "Anything from 0 to this.")
  static let fixed = Key.optional("fixed", .duration, "Half of the packets take so much longer, exactly.")
  static let normal = Key.optional("normal", .duration, "The standard deviation about the delay; nothing arrives before it was sent.")
  static let gamma = Key.optional("gamma", .duration, "The mean of a gamma distribution.")
  static let shape = Key.optional("shape", .integer(1...10), "Of the gamma distribution, 2 when missing: the smaller, the longer its tail.")
    .with(.key("gamma"))
  static let correlation = Key.standard(
    "correlation", .share, "0", "Of each packet's jitter with that of the packet before it: a process of first order.")
  static let keepOrder = Key.standard("keepOrder", .flag, "false", "No packet overtakes another.")
  static let mapping = MappingShape(
    [uniform, fixed, normal, gamma, shape, correlation, keepOrder], exactlyOneOf: [["uniform", "fixed", "normal", "gamma"]],
    bare: "uniform")

  static func read(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> Jitter {
    let fields = try place.fields(mapping, scope)
    let distribution: Jitter.Distribution
    if let deviation = try fields[normal] {
      distribution = .normal(deviation)
    } else if let mean = try fields[gamma] {
      distribution = .gamma(mean: mean, shape: try fields[shape] ?? 2)
    } else if let extra = try fields[fixed] {
      distribution = .fixed(extra)
    } else {
      distribution = .uniform(try fields[uniform] ?? .zero)
    }
    return Jitter(distribution, correlation: try fields[correlation], keepsOrder: try fields[keepOrder])
  }
}

/// `loss: 3 %`, `loss: { burst: { rate: 3 %, length: 2.5 } }`
enum LossKeys {
  static let random = Key.optional("random", .share, "Each packet with the same chance.")
  static let burst = Key.optional(
    "burst", .place(.mapping(burstShape)), "Packets are lost one after another (Gilbert): the share of all, and the mean length.")
  static let states = Key.optional(
    "states", .place(.mapping(statesShape)), "The four states of netem's `loss state`: 1 gap, 2 received in a burst, 3 lost, 4 lost alone.")
  static let gilbertElliott = Key.optional(
    "gilbertElliott", .place(.mapping(elliottShape)), "Two states that each lose a share: how often they change, and the shares.")
  static let mapping = MappingShape(
    [random, burst, gilbertElliott, states], exactlyOneOf: [["random", "burst", "gilbertElliott", "states"]], bare: "random")

  private static let rate = Key.required("rate", .share, "The share of all packets.")
  private static let length = Key.required("length", .decimal, "How many in a row on average, from 1.")
  static let burstShape = MappingShape([rate, length])

  private static let toBad = Key.required("toBad", .share, "From the good state to the bad one, with each packet.")
  private static let toGood = Key.required("toGood", .share, "And back.")
  private static let inGood = Key.standard("inGood", .share, "0", "Lost in the good state.")
  private static let inBad = Key.standard("inBad", .share, "100 %", "Lost in the bad state.")
  static let elliottShape = MappingShape([toBad, toGood, inGood, inBad])

  private static let p13 = Key.required("p13", .share, "A burst begins.")
  private static let p31 = Key.required("p31", .share, "It ends.")
  private static let p32 = Key.standard("p32", .share, "0", "A packet in it is received.")
  private static let p23 = Key.standard("p23", .share, "100 %", "The burst goes on.")
  private static let p14 = Key.standard("p14", .share, "0", "One is lost alone.")
  static let statesShape = MappingShape([p13, p31, p32, p23, p14])

  static func read(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> LossModel {
    let fields = try place.fields(mapping, scope)
    if let place = try fields[burst] { return try readBurst(place, scope) }
    if let place = try fields[gilbertElliott] {
      let keys = try place.fields(elliottShape, scope)
      return .gilbertElliott(
        GilbertElliott(
          toBad: try keys[toBad].value, toGood: try keys[toGood].value, lossInGood: try keys[inGood].value,
          lossInBad: try keys[inBad].value))
    }
    if let place = try fields[states] {
      let keys = try place.fields(statesShape, scope)
      let model = FourStates(
        p13: try keys[p13].value, p31: try keys[p31].value, p32: try keys[p32].value, p23: try keys[p23].value,
        p14: try keys[p14].value)
      guard model.p13 + model.p14 <= 1, model.p31 + model.p32 <= 1 else {
        throw place.problem("p13 and p14 leave the same state, as p31 and p32 do: together they are at most 100 %")
      }
      return .markov(model)
    }
    return .random(try fields[random] ?? .never)
  }

  private static func readBurst(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> LossModel {
    let keys = try place.fields(burstShape, scope)
    guard let model = GilbertElliott(rate: try keys[rate], length: try keys[length]) else {
      throw place.problem("bursts have 1 packet or more on average, and between two of them one is received: this rate cannot be reached")
    }
    return .gilbertElliott(model)
  }
}

/// `reorder: 5 %`, `reorder: { every: 10, by: 40 ms }`
enum ReorderKeys {
  static let share = Key.optional("share", .share, "Each with this chance.")
  static let every = Key.optional("every", .integer(2...1_000_000), "The n-th, the 2n-th and so on.")
  static let by = Key.standard("by", .duration, "30 ms", "For how long, beyond the delay.")
  static let mapping = MappingShape([share, every, by], exactlyOneOf: [["share", "every"]], bare: "share")

  static func read(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> Reordering {
    let fields = try place.fields(mapping, scope)
    let delay = try fields[by]
    if let count = try fields[every] { return Reordering(.every(count), by: delay) }
    return Reordering(.share(try fields[share] ?? .never), by: delay)
  }
}

extension Ratio {
  fileprivate var value: Double { Double(numerator) / Double(denominator) }
}

extension ValueType where Value == Jitter {
  static var jitter: ValueType { ValueType(.mapping(JitterKeys.mapping), JitterKeys.read) }
}

extension ValueType where Value == LossModel {
  static var loss: ValueType { ValueType(.mapping(LossKeys.mapping), LossKeys.read) }
}

extension ValueType where Value == Reordering {
  static var reordering: ValueType { ValueType(.mapping(ReorderKeys.mapping), ReorderKeys.read) }
}
