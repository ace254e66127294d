import Capture
import Inspection
import SansIO
import WireReader

/// A capture file, pcap or pcapng: every packet is decoded, and no place in it lies outside its bytes.
enum CaptureTarget {
  static func run(_ input: [UInt8]) {
    guard var reader = try? CaptureReader(Bytes(input)) else { return }
    var items = 0
    // DEFLATE makes a thousand bytes of one at most.
    let most = input.starts(with: [0x1F, 0x8B]) ? input.count * 1_100 : input.count
    while let item = try? reader.next() {
      items += 1
      hold(items <= most, "a reader comes to its end")
      guard case .packet(let packet) = item else { continue }
      hold(packet.bytes.count <= most, "no packet is larger than the file")
      guard case .transport(let decoded) = PacketDecoder.decode(packet) else { continue }
      hold(
        decoded.payload.lowerBound <= decoded.payload.upperBound && decoded.payload.upperBound <= packet.bytes.count,
        "the payload lies in the frame")
    }
    judge(input)
    // The same bytes as one frame of each link type.
    for link in links {
      let frame = CapturedPacket(timestamp: 0, linkType: link, originalLength: input.count, bytes: Bytes(input))
      switch PacketDecoder.decode(frame) {
      case .transport(let decoded):
        hold(decoded.payload.upperBound <= input.count, "the payload lies in the frame")
        let edited = FrameEditing.replacing(payloadOf: frame, decoded, with: "another")
        hold(edited.count == decoded.payload.lowerBound + 7, "a frame with another payload ends with it")
      case .fragment(let fragment): hold(fragment.payload.upperBound <= input.count, "the part lies in the frame")
      case .relayed(let found): hold(found.payload.upperBound <= input.count, "what was passed on lies in the frame")
      case .sctp(let packet): hold(packet.data.allSatisfy { $0.payload.upperBound <= input.count }, "a chunk lies in the frame")
      case .unreachable(let error): hold(error.quoted.upperBound <= input.count, "what is quoted lies in the frame")
      case .otherProtocol, .notIP, .malformed: break
      }
    }
  }

  /// What is read of the packets, past every link, tunnel and agent, and what is said of it.
  private static func judge(_ input: [UInt8]) {
    guard let report = try? Inspector().inspect(Bytes(input)) else { return }
    for finding in report.findings { hold((0...report.frameCount).contains(finding.frame), "a frame of the capture is cited") }
    hold(!report.text().isEmpty && !InspectionReport.json([report]).isEmpty, "there is a report")
    var inspection = CaptureInspection(PassiveReader(path: "fuzz"))
    for link in links {
      inspection.take(CapturedPacket(timestamp: 0, linkType: link, originalLength: input.count, bytes: Bytes(input)))
    }
    inspection.finish(problem: nil)
    hold(inspection.findings().allSatisfy { $0.frame <= links.count }, "a frame that came is cited")
  }

  private static let links: [LinkType] = [
    .rawIP, .ethernet, .linuxSLL, .linuxSLL2, .null, .loop, .ppp, .pppWithDirection, .pppoe, .ciscoHDLC, .frameRelay,
    .frameRelayWithDirection, .ieee80211, .ieee80211Radiotap, .nflog, .ppi, .exportedPDU,
  ]
}
