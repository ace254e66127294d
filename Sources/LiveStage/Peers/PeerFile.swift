import ScenarioModel
import SIPTransport
import SansIO

/// What `--peer MEMBER=FILE` reads: a real product that plays a member, and how it is asked to do what steps ask of the member.
///
/// ```yaml
/// product: Asterisk 22
/// address: 127.0.0.5
/// cannot: [hold, resume]
/// commands:
///   call:   [asterisk, -rx, "channel originate PJSIP/trunk/{target} application Milliwatt"]
///   hangUp: [asterisk, -rx, "channel request hangup all"]
/// ```
public struct PeerFile: Sendable {
  /// As it was named, for messages.
  public var file: String
  /// What reports call it.
  public var product: String
  /// Where it listens, on the transport's default port.
  public var address: IPAddress
  public var transport: SIPTransportProtocol
  public var cannot: [PeerAbility]
  /// Of each step that it can be asked for.
  public var commands: [PeerStep: PeerCommand]

  private static let product = Key.optional("product", .text, "What reports call it.")
  private static let address = Key.required(
    "address", .address, "Where it listens for SIP, on port 5060, or 5061 over TLS. One outside of 127/8 reaches members that have `--at`.")
  private static let transport = Key.standard("transport", .transport, "udp", "The transport of its calls, both ways.")
  private static let cannot = Key.optional(
    "cannot", .oneOrMore(PeerAbility.word), "What it cannot do: scenarios that ask for it are not applicable.")
  private static let commands = Key.optional(
    "commands", .commands, "The program with its arguments for each step; places such as {target} are filled in, and no shell reads it.")
  public static let shape = MappingShape([product, address, transport, cannot, commands])

  /// - Throws: the mistake with its place.
  public static func read(_ text: String, file: String) throws(SourceProblem) -> PeerFile {
    let fields = try NodeReader.root(text, file: file).fields(shape, .empty)
    return PeerFile(
      file: file, product: try fields[product] ?? file, address: try fields[address], transport: try fields[transport],
      cannot: try fields[cannot] ?? [], commands: try fields[commands] ?? [:])
  }
}

/// What a scenario may ask of a member beyond plain calls.
public enum PeerAbility: String, Sendable, CaseIterable {
  case call, register, unregister, hold, resume, cancel, speak, options, tcp, tls, refuse, music
  case hangUp = "hang-up"
  case reinvite = "re-INVITE"
  case earlyMedia = "early-media"
  case delayedAnswer = "delayed-answer"
  case directMedia = "direct-media"

  static var word: ValueType<PeerAbility> { .words(allCases.map { ($0.rawValue, $0) }) }
}

/// A step that a product is asked for by a command of its own.
public enum PeerStep: String, Sendable, CaseIterable {
  case register, unregister, call, cancel, hangUp, hangUpAll, hold, resume, reinvite, speak, options

  /// The word of `cannot` that rules it out.
  var ability: PeerAbility {
    switch self {
    case .register: .register
    case .unregister: .unregister
    case .call: .call
    case .cancel: .cancel
    case .hangUp, .hangUpAll: .hangUp
    case .hold: .hold
    case .resume: .resume
    case .reinvite: .reinvite
    case .speak: .speak
    case .options: .options
    }
  }

  /// The places of its template.
  var places: [String] {
    let target = ["target", "user", "host", "port"]
    let own: [String] =
      switch self {
      case .call: target + ["call"]
      case .register: target + ["expires"]
      case .unregister, .options: target
      case .cancel, .hangUp, .hold, .resume, .reinvite: ["call", "callID"]
      case .speak: ["call", "callID", "tone", "seconds"]
      case .hangUpAll: []
      }
    return own + ["member", "transport"]
  }
}

/// A program and its arguments, with places `{name}`.
public struct PeerCommand: Hashable, Sendable {
  public var words: [String]

  /// The words with their places filled.
  func filled(_ values: [String: String]) -> [String] {
    words.map { word in values.sorted { $0.key < $1.key }.reduce(word) { $0.replacing("{\($1.key)}", with: $1.value) } }
  }

  /// The names of all places, in their order.
  var places: [String] {
    words.flatMap { word in
      word.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { part in
        part.contains("}") ? String(part.prefix { $0 != "}" }) : nil
      }
    }
  }
}

extension ValueType where Value == [PeerStep: PeerCommand] {
  fileprivate static var commands: ValueType {
    let keys = PeerStep.allCases.map { step in
      (step, Key.optional(step.rawValue, ValueType<[String]>.oneOrMore(.text), "The command for the step \(step.rawValue)."))
    }
    let shape = MappingShape(keys.map(\.1))
    return ValueType(.mapping(shape)) { (place, scope) throws(SourceProblem) in
      let fields = try place.fields(shape, scope)
      var commands: [PeerStep: PeerCommand] = [:]
      for (step, key) in keys {
        guard let words = try fields[key] else { continue }
        let at = fields.place(of: key) ?? place
        let command = PeerCommand(words: words)
        guard words.first?.isEmpty == false else { throw at.problem("expected a program and its arguments: [asterisk, -rx, …]") }
        for name in command.places where !step.places.contains(name) {
          throw at.problem(
            "'{\(name)}' is not a place of \(step.rawValue)\(Spelling.hint(for: name, among: step.places)) "
              + "Its places: \(step.places.map { "{\($0)}" }.joined(separator: ", "))")
        }
        commands[step] = command
      }
      return commands
    }
  }
}
