/// How one product writes its session descriptions: what RFC 8866 and RFC 3264 leave open.
public struct DescriptionStyle: Hashable, Sendable, Codable {
  /// User name of o=.
  public var originUser: String
  /// s=.
  public var sessionName: String
  /// The version of the first description; nil = the session id.
  public var firstVersion: UInt64?
  /// An answer takes the offerer's session id, and its version plus this; nil = an id of its own.
  public var answerVersionStep: UInt64?
  /// b= lines of answers at session level, after c=.
  public var answerBandwidths: [String] = []
  /// A new offer in a call names the agreed codec alone.
  public var reoffersAgreedCodec = false
  /// Payload type of Opus in our offers.
  public var opusPayloadType = AudioCodec.opus.offeredPayloadType
  /// What a=fmtp says of Opus, behind the number (RFC 7587 §6.1); nothing: there is no such line.
  public var opusParameters = ""
  /// Payload type of telephone-event in our offers.
  public var eventPayloadType: UInt8 = EventClock.telephony.offeredPayloadType
  /// The same with the clock of Opus, beside Opus.
  public var wideEventPayloadType: UInt8 = EventClock.opus.offeredPayloadType
  /// `a=maxptime`, in milliseconds.
  public var maximumPacketTime: Int?
  /// The same where Opus is among the codecs; nil = no other.
  public var maximumPacketTimeWithOpus: Int?
  /// The events of telephone-event's fmtp.
  public var events = "0-16"
  /// The direction stands before telephone-event's rtpmap instead of last.
  public var putsDirectionBeforeEvents = false

  /// The number of telephone-event in our offers.
  func eventPayloadType(_ clock: EventClock) -> UInt8 { clock == .telephony ? eventPayloadType : wideEventPayloadType }

  func maximumPacketTime(_ payloads: [AudioPayload]) -> Int? {
    guard let ofOpus = maximumPacketTimeWithOpus, payloads.contains(where: { $0.format == .codec(.opus) }) else { return maximumPacketTime }
    return ofOpus
  }

  public static let plain = DescriptionStyle(originUser: "-", sessionName: "-")

  public init(originUser: String, sessionName: String) {
    self.originUser = originUser
    self.sessionName = sessionName
  }
}
