import SansIO

/// Where descriptions say that media is expected, the newest of an address first.
public struct MediaTable {
  public final class Use {
    public let media: ObservedMedia
    public let description: FrameStamp
    /// Who wrote it, by its SIP packet.
    public let owner: TransportAddress
    /// ``Conversation/number``.
    public let conversation: Int

    public init(_ media: ObservedMedia, of description: ObservedDescription, conversation: Int) {
      self.media = media
      self.description = description.stamp
      owner = description.owner
      self.conversation = conversation
    }
  }

  private var uses: [TransportAddress: Use] = [:]
  private var control: [TransportAddress: Use] = [:]
  /// Grows with every description.
  public private(set) var generation = 0

  public mutating func add(_ description: ObservedDescription, conversation: Int) {
    for media in description.media where media.isRTP && media.port != 0 {
      guard let address = media.address, !address.address.isUnspecified else { continue }
      let use = Use(media, of: description, conversation: conversation)
      uses[address] = use
      if media.controlPort != media.port { control[TransportAddress(address.address, port: media.controlPort)] = use }
      generation += 1
    }
  }

  public subscript(address: TransportAddress) -> Use? { uses[address] }
  public func control(_ address: TransportAddress) -> Use? { control[address] }
}
