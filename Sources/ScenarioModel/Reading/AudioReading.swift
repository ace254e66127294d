import SDP
import SansIO

/// How a member's audio is set, where not as its product's is.
public struct AudioGiven: Sendable, Hashable {
  /// In order of preference.
  public var codecs: [AudioCodec]?
  /// The parameters of its Opus (RFC 7587 §6.1), as they are written.
  public var opus: String?
  /// Milliseconds.
  public var packetTime: Int?
  public var maximumPacketTime: Int?
  public var answersEvery: Bool?
  /// What the endpoint's legs hear while it does not speak.
  public var hearing = Hearing.silence

  public enum Hearing: String, Sendable, Hashable, CaseIterable { case silence, echo, bridge }

  init() {}

  init(_ fields: FieldSet) throws(SourceProblem) {
    codecs = try fields[AudioKeys.codecs]
    opus = try fields[AudioKeys.opus]
    packetTime = try Self.milliseconds(fields, AudioKeys.ptime)
    maximumPacketTime = try Self.milliseconds(fields, AudioKeys.maxptime)
    answersEvery = try fields[AudioKeys.answerCodecs].map { $0 == .all }
    hearing = try fields[AudioKeys.audio]
    guard let codecs, let place = fields.place(of: AudioKeys.codecs) else { return }
    for (index, codec) in codecs.enumerated() where codecs[..<index].contains(codec) {
      throw place.problem("\(codec.rawValue) appears more than once")
    }
    if codecs.isEmpty { throw place.problem("there are no codecs: a stream has one at least (RFC 8866 §5.14)") }
  }

  private static func milliseconds(_ fields: FieldSet, _ key: Field<Duration?>) throws(SourceProblem) -> Int? {
    guard let time = try fields[key], let place = fields.place(of: key) else { return nil }
    let milliseconds = time.wholeNanoseconds / 1_000_000
    guard (10...120).contains(milliseconds), milliseconds % 10 == 0, .milliseconds(milliseconds) == time else {
      throw place.problem("a packet holds 10 to 120 ms of audio, in steps of 10 ms")
    }
    return Int(milliseconds)
  }
}

/// The keys of a member of the cast that are about its audio.
enum AudioKeys {
  enum Answer: String, CaseIterable, Sendable { case first, all }

  static let codecs = Key.optional(
    "codecs", .oneOrMore(ValueType<AudioCodec>.word), "Its codecs in order of preference; those of its product when missing."
  ).with(.key("persona"))
  static let opus = Key.optional(
    "opus", .text, "What `a=fmtp` says of its Opus (RFC 7587 §6.1), as it is written: `useinbandfec=1;maxplaybackrate=16000`."
  ).with(.key("codecs"))
  static let audio = Key.standard(
    "audio", ValueType<AudioGiven.Hearing>.word, "silence",
    "What legs hear while it does not speak: `silence`, `echo` (themselves), `bridge` (the other leg of their session, in their own codec)."
  ).with(.key("endpoint"))
  static let ptime = Key.optional(
    "ptime", .duration, "How much audio it wants in a packet (`a=ptime`), and sends where nobody asks for something else."
  ).with(.key("persona"))
  static let maxptime = Key.optional("maxptime", .duration, "How much audio it takes in a packet at most (`a=maxptime`).").with(
    .key("persona"))
  static let answerCodecs = Key.optional(
    "answerCodecs", ValueType<Answer>.word,
    "What its answers name: the `first` codec that both have, or `all` of them, between which each side may then change at any time. "
      + "As its product does when missing."
  ).with(.key("persona"))
}
