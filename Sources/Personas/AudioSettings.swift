import SDP

/// How the audio of a product is set: `allow=` and `ptime` of one, the region and the SIP profile of another. nil = as it comes.
public struct AudioSettings: Hashable, Sendable {
  /// In order of preference.
  public var codecs: [AudioCodec]?
  /// What a=fmtp says of its Opus (RFC 7587 §6.1).
  public var opus: String?
  /// Milliseconds: what it sends where nobody asks for another, and asks for (a=ptime), and takes at most (a=maxptime).
  public var packetTime: Int?
  public var maximumPacketTime: Int?
  /// Whether its answers name every codec that both have.
  public var answersEvery: Bool?

  public init() {}

  func capability(_ own: Habits, _ security: MediaSecurity) -> AudioCapability {
    var capability = AudioCapability(codecs: codecs ?? own.codecs, security: security)
    if let packetTime { (capability.packetTime, capability.insistsOnPacketTime) = (packetTime, true) }
    capability.answersEvery = answersEvery ?? own.answersEveryCodec
    return capability
  }

  func style(_ own: DescriptionStyle) -> DescriptionStyle {
    var style = own
    if let opus { style.opusParameters = opus }
    if let maximumPacketTime { (style.maximumPacketTime, style.maximumPacketTimeWithOpus) = (maximumPacketTime, nil) }
    return style
  }
}
