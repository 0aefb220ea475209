import Counter from "../islands/Counter.tsx";
import { Small } from "../islands/labels.tsx";

export default function Home() {
  const tags = ["</script><!--", undefined];
  return (
    <>
      <Counter id="one" start={3} tags={tags} />
      <p>
        <Counter id="two" start={-0} tags={tags} /> <Small text="small" />
      </p>
    </>
  );
}
