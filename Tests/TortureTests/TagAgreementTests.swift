import SIPMessage
import SansIO
import Testing

/// The tags that are read without their addresses.
@Suite struct TagAgreementTests {
  @Test(arguments: TortureCase.all)
  func `where an address can be read the tag is its tag, and one Via is one, in a torture message with each byte broken`(item: TortureCase)
  {
    var generator = SeededGenerator(seed: UInt64(item.message.count)).fork(item.path)
    var versions = [item.message]
    for index in stride(from: 0, to: item.message.count, by: item.message.count > 2_000 ? 23 : 1) {
      versions += RobustnessTests.mutations(of: item.message, at: index, &generator)
    }
    for message in versions.compactMap({ try? SIPMessage.parse($0) }) {
      if let to = try? message.to() { #expect(message.toTag == to.tag, "\(message.first(.to)?.text ?? "")") }
      if let from = try? message.from() { #expect(message.fromTag == from.tag, "\(message.first(.from)?.text ?? "")") }
      if message.hasOneVia { #expect(message.commaValues(.via).count <= 1) }
    }
  }
}
