import SansIO

/// Where descriptions say that media is expected, the newest of an address first.
struct MediaTable {
  final class Use {
    let media: ObservedMedia
    let description: FrameStamp
    /// Who wrote it, by its SIP packet.
    let owner: TransportAddress
    /// ``Conversation/number``.
    let conversation: Int

    init(_ media: ObservedMedia, of description: ObservedDescription, conversation: Int) {
      self.media = media
      self.description = description.stamp
      owner = description.owner
      self.conversation = conversation
    }
  }

  private var uses: [TransportAddress: Use] = [:]
  private var control: [TransportAddress: Use] = [:]
  /// Grows with every description.
  private(set) var generation = 0

  mutating func add(_ description: ObservedDescription, conversation: Int) {
    for media in description.media where media.isRTP && media.port != 0 {
      guard let address = media.address, !address.address.isUnspecified else { continue }
      let use = Use(media, of: description, conversation: conversation)
      uses[address] = use
      if media.controlPort != media.port { control[TransportAddress(address.address, port: media.controlPort)] = use }
      generation += 1
    }
  }

  subscript(address: TransportAddress) -> Use? { uses[address] }
  func control(_ address: TransportAddress) -> Use? { control[address] }
}
