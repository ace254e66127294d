import SansIO

/// Where descriptions say that media is expected: addresses, each with the description that holds now.
///
/// The first description of an address owns it: another dialog that says the same address (a B2BUA whose media goes past it, a proxy, a
/// fork) shares it. A new description by the dialog that owns it, or of a later call, begins a new period.
public struct MediaTable {
  /// What one description says of an address.
  public final class Use {
    public let media: ObservedMedia
    public let description: FrameStamp
    /// Who wrote it, by its SIP packet.
    public let owner: TransportAddress
    /// Of each dialog that it serves; the first wrote it.
    public var conversations: [Int] { [conversation] + furtherConversations }
    /// ``Conversation/number`` of the dialog that wrote it.
    public let conversation: Int
    private var furtherConversations: [Int] = []
    private var live: Int

    public init(_ media: ObservedMedia, of description: ObservedDescription, conversation: Int) {
      self.media = media
      self.description = description.stamp
      owner = description.owner
      self.conversation = conversation
      live = 1
    }

    /// Each of its dialogs has ended.
    public var isOver: Bool { live <= 0 }

    fileprivate func serve(_ conversation: Int) -> Bool {
      guard conversation != self.conversation, !furtherConversations.contains(conversation), furtherConversations.count < 63 else {
        return false
      }
      furtherConversations.append(conversation)
      live += 1
      return true
    }

    fileprivate func end() { live -= 1 }
  }

  /// An address with what it is used for now.
  final class Place {
    fileprivate(set) var use: Use
    /// Descriptions of it so far, in which a new agreement may begin.
    fileprivate(set) var events = 1
    fileprivate(set) var last: FrameStamp

    fileprivate init(_ use: Use) {
      self.use = use
      last = use.description
    }
  }

  /// Descriptions of a dialog that are kept of what is live, beside those that hold.
  private static let fewUses = 16

  private var places: [TransportAddress: Place] = [:]
  private var control: [TransportAddress: Use] = [:]
  private var byConversation: [Int: Few<Use>] = [:]
  /// Grows with every description.
  public private(set) var generation = 0
  /// Whether a description had keys of SRTP.
  private(set) var hasKeys = false

  public mutating func add(_ description: ObservedDescription, conversation: Int) {
    for media in description.media where media.isRTP && media.port != 0 {
      let use = Use(media, of: description, conversation: conversation)
      var addresses = media.candidates
      if let address = media.address, !address.address.isUnspecified, !addresses.contains(address) { addresses.append(address) }
      guard !addresses.isEmpty else { continue }
      byConversation[conversation, default: Few()].append(use)
      if !media.crypto.isEmpty { hasKeys = true }
      for address in addresses { add(use, at: address) }
      for address in media.controlCandidates { control[address] = use }
      if let address = media.address, !address.address.isUnspecified, media.controlPort != media.port {
        control[TransportAddress(address.address, port: media.controlPort)] = use
      }
      generation += 1
    }
  }

  private mutating func add(_ use: Use, at address: TransportAddress) {
    guard let place = places[address] else {
      places[address] = Place(use)
      return
    }
    place.events += 1
    place.last = use.description
    let old = place.use
    if !old.isOver, old.conversation != use.conversation {
      if old.serve(use.conversation) { byConversation[use.conversation, default: Few()].append(old) }
    } else if old.isOver || old.media != use.media {
      place.use = use
    }
  }

  /// A dialog has ended: its addresses may serve another.
  public mutating func end(conversation: Int) {
    for use in byConversation.removeValue(forKey: conversation) ?? Few() { use.end() }
  }

  /// Takes out the addresses of dialogs that are over, and of those that go on what is described anew since.
  mutating func release(before time: Int64, _ isLive: (Int) -> Bool) {
    func isGone(_ use: Use, _ last: FrameStamp) -> Bool {
      use.isOver && last.time <= time && !use.conversations.contains(where: isLive)
    }
    places = places.filter { !isGone($0.value.use, $0.value.last) }
    control = control.filter { !isGone($0.value, $0.value.description) }
    guard byConversation.contains(where: { $0.value.count > Self.fewUses }) else { return }
    let current = Set(places.values.map { ObjectIdentifier($0.use) } + control.values.map { ObjectIdentifier($0) })
    for (conversation, uses) in byConversation where uses.count > Self.fewUses {
      var kept = Few<Use>()
      for use in uses where current.contains(ObjectIdentifier(use)) { kept.append(use) }
      byConversation[conversation] = kept
    }
  }

  /// What a dialog says last of media on a host.
  func described(on host: IPAddress, by conversations: [Int]) -> Use? {
    conversations.lazy.compactMap { byConversation[$0]?.filter { $0.media.address?.address == host }.last }.first
  }

  /// What a dialog says of its media, on both sides.
  func described(by conversation: Int) -> [Use] { byConversation[conversation]?.map(\.self) ?? [] }

  public subscript(address: TransportAddress) -> Use? { places[address]?.use }
  public func control(_ address: TransportAddress) -> Use? { control[address] }
  func place(_ address: TransportAddress) -> Place? { places[address] }

  /// Where the media goes whose RTCP comes from or goes to an address: the same with rtcp-mux (RFC 5761), the port below without
  /// (RFC 3550 §11) or as the description says (RFC 3605).
  func media(ofControl address: TransportAddress) -> TransportAddress {
    if places[address] != nil { return address }
    if let described = control[address]?.media.address { return TransportAddress(address.address, port: described.port) }
    return address.port % 2 == 1 ? TransportAddress(address.address, port: address.port - 1) : address
  }
}
