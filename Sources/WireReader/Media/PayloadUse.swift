import SDP
import SansIO

/// A payload type of a stream, with what descriptions call it.
public struct PayloadUse {
  public let type: UInt8
  public let first: FrameStamp
  public private(set) var packets = 0
  /// Bytes of the longest payload.
  public private(set) var longest = 0
  /// Packets without any payload, and the first of them.
  public private(set) var empty = StreamClock.Tally()
  /// What the receiver's description calls it; nil where none names it.
  public private(set) var encoding: Encoding?
  /// The description that holds now asked for it.
  public private(set) var isNegotiated = false
  /// Packets that whoever receives had not asked for at their time, the first of them, and who had said what then.
  public private(set) var unasked = 0
  public private(set) var firstUnasked: FrameStamp?
  public private(set) var unaskedReceiver: MediaTable.Use?
  public private(set) var unaskedSender: MediaTable.Use?

  private(set) var isEvent = false
  private(set) var isAudio = false
  public private(set) var clockRate = 0
  private(set) var length: PacketLength?
  /// Its octets are so many a millisecond, whatever they say (RFC 3551 §4.5): the length alone tells audio from audio with a tag behind it.
  private(set) var hasOctetsInTime = false
  /// By which its octets are read; nil where it is not G.711, or protected.
  private(set) var law: CompandingLaw?

  init(type: UInt8, first: FrameStamp) {
    self.type = type
    self.first = first
  }

  var isNoise: Bool { type == 13 || type == 19 }
  /// Its timestamps count samples.
  public var isTimed: Bool { isAudio && !isEvent && !isNoise }
  /// Cisco's named signalling events: what telephone-event is for gateways of one maker, on 100 unless configured, described nowhere.
  public var isNamedSignallingEvent: Bool { type == 100 && longest <= 8 }

  mutating func take(_ payload: Int, _ stamp: FrameStamp) {
    packets += 1
    if payload == 0 { empty.add(stamp) }
    longest = max(longest, payload)
  }

  mutating func addUnasked(_ stamp: FrameStamp, _ receiver: MediaTable.Use, _ sender: MediaTable.Use?) {
    unasked += 1
    guard firstUnasked == nil else { return }
    (firstUnasked, unaskedReceiver, unaskedSender) = (stamp, receiver, sender)
  }

  /// The numbers in a packet are its receiver's (RFC 3264 §5.1); some senders use their own.
  /// - Parameter isOpened: what was protected comes opened.
  mutating func name(_ receiver: MediaTable.Use?, _ sender: MediaTable.Use?, isOpened: Bool) {
    let theirs = receiver?.media.encodings.first { $0.payloadType == type }
    isNegotiated = theirs != nil || receiver?.media.formats.contains("\(type)") == true
    encoding = theirs ?? sender?.media.encodings.first { $0.payloadType == type } ?? encoding
    isEvent = encoding?.isTelephoneEvent == true
    let kind = (receiver ?? sender)?.media.kind
    isAudio = kind.map { $0 == "audio" } ?? (type < 25)
    clockRate = type < 96 ? StaticPayloads.clockRate(type) ?? 0 : encoding?.clockRate ?? 0
    // Protected payloads are longer than what they hold, and without a description nobody knows.
    let isClear = kind != nil && (isOpened || !MediaTable.mayBeProtected(receiver, sender))
    let name = encoding?.name ?? StaticPayloads.name(type) ?? ""
    hasOctetsInTime = ["PCMU", "PCMA", "G722"].contains(name.uppercased())
    law = isClear ? CompandingLaw(encoding: name) : nil
    length = isClear ? PacketLength(name, channels: encoding?.channels ?? 1) : nil
  }
}
