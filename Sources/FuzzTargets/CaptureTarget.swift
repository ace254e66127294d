import Capture
import SansIO

/// A capture file, pcap or pcapng: every packet is decoded, and no place in it lies outside its bytes.
enum CaptureTarget {
  static func run(_ input: [UInt8]) {
    guard var reader = try? CaptureReader(Bytes(input)) else { return }
    var items = 0
    while let item = try? reader.next() {
      items += 1
      hold(items <= input.count, "a reader comes to its end")
      guard case .packet(let packet) = item else { continue }
      hold(packet.bytes.count <= input.count, "no packet is larger than the file")
      guard case .transport(let decoded) = PacketDecoder.decode(packet) else { continue }
      hold(
        decoded.payload.lowerBound <= decoded.payload.upperBound && decoded.payload.upperBound <= packet.bytes.count,
        "the payload lies in the frame")
    }
    // The same bytes as one frame of each link type.
    for link in links {
      let frame = CapturedPacket(timestamp: 0, linkType: link, originalLength: input.count, bytes: Bytes(input))
      switch PacketDecoder.decode(frame) {
      case .transport(let decoded):
        hold(decoded.payload.upperBound <= input.count, "the payload lies in the frame")
        let edited = FrameEditing.replacing(payloadOf: frame, decoded, with: "another")
        hold(edited.count == decoded.payload.lowerBound + 7, "a frame with another payload ends with it")
      case .fragment(let fragment): hold(fragment.payload.upperBound <= input.count, "the part lies in the frame")
      case .relayed, .sctp, .unreachable, .otherProtocol, .notIP, .malformed: break
      }
    }
  }

  private static let links: [LinkType] = [
    .rawIP, .ethernet, .linuxSLL, .linuxSLL2, .null, .loop, .ppp, .pppWithDirection, .pppoe, .ciscoHDLC, .frameRelay,
    .frameRelayWithDirection, .ieee80211, .ieee80211Radiotap, .nflog, .ppi,
  ]
}
